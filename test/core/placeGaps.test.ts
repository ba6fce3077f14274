import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "gap end",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `const a = 1;
`,
    completion: `double(x: number): number {
  return x * 2;
}

export function b() {}
`,
    want: `const a = 1;

/** a function that doubles numbers */
export function double(x: number): number {
  return x * 2;
}
`,
  },
  {
    name: "gap end",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `const a = 1;
`,
    chat: fenced(`export function double(x: number): number {
  return x * 2;
}`),
    want: `const a = 1;

export function double(x: number): number {
  return x * 2;
}
`,
  },
  {
    name: "gap end no newline",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: "const a = 1;",
    completion: `double(x: number): number {
  return x * 2;
}

export function b() {}
`,
    want: `const a = 1;

/** a function that doubles numbers */
export function double(x: number): number {
  return x * 2;
}
`,
  },
  {
    name: "gap end no newline",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: "const a = 1;",
    chat: fenced(`export function double(x: number): number {
  return x * 2;
}`),
    want: `const a = 1;

export function double(x: number): number {
  return x * 2;
}
`,
  },
  {
    name: "gap middle",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `function a() {
  return 1;
}
‸
function b() {
  return 2;
}
`,
    completion: `double(x: number): number {
  return x * 2;
}
`,
    want: `function a() {
  return 1;
}

/** a function that doubles numbers */
export function double(x: number): number {
  return x * 2;
}

function b() {
  return 2;
}
`,
  },
  {
    name: "gap middle",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `function a() {
  return 1;
}
‸
function b() {
  return 2;
}
`,
    chat: fenced(`function double(x: number): number {
  return x * 2;
}`),
    want: `function a() {
  return 1;
}

function double(x: number): number {
  return x * 2;
}

function b() {
  return 2;
}
`,
  },
  {
    name: "gap middle, two blanks",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `const a = 1;

‸

function b() {
  return 2;
}
`,
    completion: `double(x: number): number {
  return x * 2;
}
`,
    want: `const a = 1;

/** a function that doubles numbers */
export function double(x: number): number {
  return x * 2;
}

function b() {
  return 2;
}
`,
  },
  {
    name: "gap middle, two blanks",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `const a = 1;

‸

function b() {
  return 2;
}
`,
    chat: fenced(`function double(x: number): number {
  return x * 2;
}`),
    want: `const a = 1;

function double(x: number): number {
  return x * 2;
}

function b() {
  return 2;
}
`,
  },
  {
    name: "gap empty file",
    language: "typescript",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: "",
    chat: fenced(`function double(x: number): number {
  return x * 2;
}`),
    want: `function double(x: number): number {
  return x * 2;
}
`,
  },
  {
    name: "gap end",
    language: "python",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `x = 1
`,
    completion: `double(x):
    return x * 2

def b():`,
    want: `x = 1


# a function that doubles numbers
def double(x):
    return x * 2
`,
  },
  {
    name: "gap end",
    language: "python",
    action: "implement",
    instruction: "a function that doubles numbers",
    text: `x = 1
`,
    chat: fenced(`def double(x):
    return x * 2`),
    want: `x = 1


def double(x):
    return x * 2
`,
  },
];
for (const it of CASES) check(it);
