import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "go stub",
    language: "go",
    action: "implement",
    text: `package a

// Sum adds.
func Su‸m(xs []int) int {
	panic("not implemented")
}

func B() {}
`,
    completion: `	total := 0
	for _, x := range xs {
		total += x
	}
	return total
}

func C() {`,
    want: `package a

// Sum adds.
func Sum(xs []int) int {
	total := 0
	for _, x := range xs {
		total += x
	}
	return total
}

func B() {}
`,
  },
  {
    name: "go stub",
    language: "go",
    action: "implement",
    text: `package a

// Sum adds.
func Su‸m(xs []int) int {
	panic("not implemented")
}

func B() {}
`,
    chat: fenced(
      `// Sum adds.
func Sum(xs []int) int {
	return len(xs)
}`,
      "go",
    ),
    want: `package a

// Sum adds.
func Sum(xs []int) int {
	return len(xs)
}

func B() {}
`,
  },
  {
    name: "go keeps doc left out",
    language: "go",
    action: "fix",
    text: `package a

// Get gets.
func Ge‸t(k string) int {
	return 1
}
`,
    completion: `	return 2
}`,
    chat: fenced(
      `func Get(k string) int {
	return 2
}`,
      "go",
    ),
    want: `package a

// Get gets.
func Get(k string) int {
	return 2
}
`,
  },
  {
    name: "rust stub",
    language: "rust",
    action: "implement",
    text: `impl A {
    /// Sum.
    #[inline]
    pub fn su‸m<'a>(&'a self, xs: &[i32]) -> i32 {
        todo!()
    }

    fn b() {}
}
`,
    completion: `        let c = '}';
        xs.iter().sum::<i32>() + c as i32
    }

    fn c() {}`,
    want: `impl A {
    /// Sum.
    #[inline]
    pub fn sum<'a>(&'a self, xs: &[i32]) -> i32 {
        let c = '}';
        xs.iter().sum::<i32>() + c as i32
    }

    fn b() {}
}
`,
  },
  {
    name: "rust stub",
    language: "rust",
    action: "implement",
    text: `impl A {
    /// Sum.
    #[inline]
    pub fn su‸m<'a>(&'a self, xs: &[i32]) -> i32 {
        todo!()
    }

    fn b() {}
}
`,
    chat: fenced(
      `/// Sum.
#[inline]
pub fn sum<'a>(&'a self, xs: &[i32]) -> i32 {
    xs.iter().sum()
}`,
      "rust",
    ),
    want: `impl A {
    /// Sum.
    #[inline]
    pub fn sum<'a>(&'a self, xs: &[i32]) -> i32 {
        xs.iter().sum()
    }

    fn b() {}
}
`,
  },
  {
    name: "go func literal var",
    language: "go",
    action: "fix",
    text: `package a

var less‸ = func(a, b int) bool { return a < b }
`,
    completion: `	return a > b
}
`,
    want: `package a

var less = func(a, b int) bool {
	return a > b
}
`,
  },
  {
    name: "go func literal var",
    language: "go",
    action: "fix",
    text: `package a

var less‸ = func(a, b int) bool { return a < b }
`,
    chat: fenced(`var less = func(a, b int) bool { return a > b }`, "go"),
    want: `package a

var less = func(a, b int) bool { return a > b }
`,
  },
];
for (const it of CASES) check(it);
