import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "ruby stub",
    language: "ruby",
    action: "implement",
    text: `class A
  def f‸(x)
  end

  def g
    1
  end
end
`,
    completion: `    x * 2
  end
`,
    want: `class A
  def f(x)
    x * 2
  end

  def g
    1
  end
end
`,
  },
  {
    name: "ruby stub",
    language: "ruby",
    action: "implement",
    text: `class A
  def f‸(x)
  end

  def g
    1
  end
end
`,
    chat: fenced(
      `def f(x)
  x * 2
end`,
      "ruby",
    ),
    want: `class A
  def f(x)
    x * 2
  end

  def g
    1
  end
end
`,
  },
  {
    name: "csharp",
    language: "csharp",
    action: "implement",
    text: `class A
{
    public int F‸(int x)
    {
        throw new NotImplementedException();
    }
}
`,
    completion: `        return x;
    }
}`,
    chat: fenced(
      `public int F(int x)
{
    return x;
}`,
      "cs",
    ),
    want: `class A
{
    public int F(int x)
    {
        return x;
    }
}
`,
  },
  {
    name: "csharp expression",
    language: "csharp",
    action: "fix",
    text: `class A
{
    public int F‸(int x) => x;
    int y;
}
`,
    completion: `x * 2;
}`,
    chat: fenced("public int F(int x) => x * 2;", "cs"),
    want: `class A
{
    public int F(int x) => x * 2;
    int y;
}
`,
  },
  {
    name: "cpp",
    language: "cpp",
    action: "implement",
    text: `int f‸(int x) {
}
`,
    completion: `  return '}' + x;
}`,
    want: `int f(int x) {
  return '}' + x;
}
`,
  },
  {
    name: "cpp",
    language: "cpp",
    action: "implement",
    text: `int f‸(int x) {
}
`,
    chat: fenced(
      `int f(int x) {
  return x;
}`,
      "cpp",
    ),
    want: `int f(int x) {
  return x;
}
`,
  },
  {
    name: "markdown file",
    language: "markdown",
    action: "refactor",
    instruction: "better",
    text: `# A

«text»

# B
`,
    chat: `\`\`\`markdown
See:

\`\`\`sh
npm start
\`\`\`

Done.
\`\`\`
`,
    want: `# A

See:

\`\`\`sh
npm start
\`\`\`

Done.

# B
`,
  },
  {
    name: "php",
    language: "php",
    action: "implement",
    text: `<?php
function f‸($x) {
}
`,
    completion: `    return $x . '}';
}`,
    want: `<?php
function f($x) {
    return $x . '}';
}
`,
  },
  {
    name: "php",
    language: "php",
    action: "implement",
    text: `<?php
function f‸($x) {
}
`,
    chat: fenced(
      `function f($x) {
    return $x;
}`,
      "php",
    ),
    want: `<?php
function f($x) {
    return $x;
}
`,
  },
  {
    name: "shell",
    language: "shellscript",
    action: "implement",
    text: `greet‸() {
  :
}
`,
    completion: `  echo "\${1#x} $#" # a }
  x=\${#1}
}
`,
    want: `greet() {
  echo "\${1#x} $#" # a }
  x=\${#1}
}
`,
  },
  {
    name: "shell",
    language: "shellscript",
    action: "implement",
    text: `greet‸() {
  :
}
`,
    chat: fenced(
      `greet() {
  echo hi
}`,
      "sh",
    ),
    want: `greet() {
  echo hi
}
`,
  },
  {
    name: "kotlin?",
    language: "kotlin",
    action: "implement",
    instruction: "f",
    text: `fun f(): Int {
}
`,
    chat: fenced("fun f(): Int = 1", "kotlin"),
    want: `fun f(): Int {
}

fun f(): Int = 1
`,
  },
];
for (const it of CASES) check(it);
