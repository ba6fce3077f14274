import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "go doc",
    language: "go",
    action: "docstring",
    text: `package a

func (s *Store) Ge‸t(k string) int {
	return 1
}
`,
    completion: ` Get gets a key.
// It is fast.

func`,
    want: `package a

// Get gets a key.
// It is fast.
func (s *Store) Get(k string) int {
	return 1
}
`,
  },
  {
    name: "go doc",
    language: "go",
    action: "docstring",
    text: `package a

func (s *Store) Ge‸t(k string) int {
	return 1
}
`,
    chat: fenced(
      `// Get gets a key.
//
// It is fast.
func (s *Store) Get(k string) int {
	return 1
}`,
      "go",
    ),
    want: `package a

// Get gets a key.
//
// It is fast.
func (s *Store) Get(k string) int {
	return 1
}
`,
  },
  {
    name: "go doc replaced",
    language: "go",
    action: "docstring",
    text: `package a

// Old.
// Older.
func Ge‸t(k string) int {
	return 1
}
`,
    completion: ` Get gets a key.
`,
    chat: fenced("// Get gets a key.", "go"),
    want: `package a

// Get gets a key.
func Get(k string) int {
	return 1
}
`,
  },
  {
    name: "go doc block answer",
    language: "go",
    action: "docstring",
    text: `package a

func Ge‸t(k string) int {
	return 1
}
`,
    chat: fenced("/* Get gets a key. */", "go"),
    want: `package a

// Get gets a key.
func Get(k string) int {
	return 1
}
`,
  },
  {
    name: "rust doc with sections",
    language: "rust",
    action: "docstring",
    text: `#[derive(Debug)]
pub struct P‸oint {
    x: i32,
}
`,
    completion: ` A point.
/// In a plane.

pub`,
    want: `/// A point.
/// In a plane.
#[derive(Debug)]
pub struct Point {
    x: i32,
}
`,
  },
  {
    name: "rust doc with sections",
    language: "rust",
    action: "docstring",
    text: `#[derive(Debug)]
pub struct P‸oint {
    x: i32,
}
`,
    chat: fenced(
      `/// A point.
///
/// # Examples
///
/// \`\`\`
/// let p = 1;
/// \`\`\`
#[derive(Debug)]
pub struct Point {`,
      "rust",
    ),
    want: `/// A point.
///
/// # Examples
///
/// \`\`\`
/// let p = 1;
/// \`\`\`
#[derive(Debug)]
pub struct Point {
    x: i32,
}
`,
  },
  {
    name: "rust doc replaced in impl",
    language: "rust",
    action: "docstring",
    text: `impl A {
    /// Old.
    /// Old.
    fn b‸() {}
}
`,
    completion: ` New.
`,
    want: `impl A {
    /// New.
    fn b() {}
}
`,
  },
  {
    name: "rust doc replaced in impl",
    language: "rust",
    action: "docstring",
    text: `impl A {
    /// Old.
    /// Old.
    fn b‸() {}
}
`,
    chat: fenced(
      `/// New.
/// Newer.
fn b() {}`,
      "rust",
    ),
    want: `impl A {
    /// New.
    /// Newer.
    fn b() {}
}
`,
  },
  {
    name: "java doc",
    language: "java",
    action: "docstring",
    text: `class A {
    @Override
    public int f‸(int x) {
        return x;
    }
}
`,
    completion: ` Same.
 * @param x it
 */`,
    chat: fenced(
      `/**
     * Same.
     * @param x it
     */`,
      "java",
    ),
    want: `class A {
    /**
     * Same.
     * @param x it
     */
    @Override
    public int f(int x) {
        return x;
    }
}
`,
  },
];
for (const it of CASES) check(it);
