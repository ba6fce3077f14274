import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "async arrow",
    language: "typescript",
    action: "implement",
    text: `export const load = async (u‸rl: string): Promise<string> => {
};

load("x");
`,
    completion: `  const it = await fetch(url);
  return it.text();
};
`,
    chat: fenced(`export const load = async (url: string): Promise<string> => {
  const it = await fetch(url);
  return it.text();
};`),
    want: `export const load = async (url: string): Promise<string> => {
  const it = await fetch(url);
  return it.text();
};

load("x");
`,
  },
  {
    name: "arrow expression",
    language: "typescript",
    action: "fix",
    instruction: "must double",
    text: `export const double = (x‸: number) => x * 3;
export const y = 1;
`,
    completion: `x * 2;
`,
    chat: fenced(`export const double = (x: number) => x * 2;`),
    want: `export const double = (x: number) => x * 2;
export const y = 1;
`,
  },
  {
    name: "arrow expression chain",
    language: "typescript",
    action: "refactor",
    instruction: "shorter",
    text: `export const f = (xs‸: number[]) =>
  xs.map((x) => x + 1).filter((x) => x > 2).map((x) => x);
const y = 1;
`,
    completion: `xs
  .map((x) => x + 1)
  .filter((x) => x > 2);

const z = 1;`,
    want: `export const f = (xs: number[]) => xs
  .map((x) => x + 1)
  .filter((x) => x > 2);
const y = 1;
`,
  },
  {
    name: "arrow expression chain",
    language: "typescript",
    action: "refactor",
    instruction: "shorter",
    text: `export const f = (xs‸: number[]) =>
  xs.map((x) => x + 1).filter((x) => x > 2).map((x) => x);
const y = 1;
`,
    chat: fenced(`export const f = (xs: number[]) => xs.map((x) => x + 1).filter((x) => x > 2);`),
    want: `export const f = (xs: number[]) => xs.map((x) => x + 1).filter((x) => x > 2);
const y = 1;
`,
  },
  {
    name: "selection refactor inside",
    language: "typescript",
    action: "refactor",
    instruction: "use const",
    text: `function a() {
  if (x) {
    «let y = 1;
    let z = 2;»
    go(y, z);
  }
}
`,
    chat: fenced(`const y = 1;
const z = 2;`),
    want: `function a() {
  if (x) {
    const y = 1;
    const z = 2;
    go(y, z);
  }
}
`,
  },
  {
    name: "selection mid-line",
    language: "typescript",
    action: "refactor",
    instruction: "hex",
    text: `function a() {
  const x = «255» + 1;
  return x;
}
`,
    chat: fenced("0xff"),
    want: `function a() {
  const x = 0xff + 1;
  return x;
}
`,
  },
  {
    name: "object method",
    language: "typescript",
    action: "implement",
    text: `export const api = {
  get‸It(id: string) {
  },
  set: (x: number) => x,
};
`,
    completion: `    return id;
  },
  other`,
    chat: fenced(`getIt(id: string) {
  return id;
},`),
    want: `export const api = {
  getIt(id: string) {
    return id;
  },
  set: (x: number) => x,
};
`,
  },
  {
    name: "property arrow",
    language: "typescript",
    action: "fix",
    instruction: "plus one",
    text: `export const api = {
  set: (x‸: number) => x,
  b: 1,
};
`,
    completion: `x + 1,
  b: 1,`,
    chat: fenced("set: (x: number) => x + 1,"),
    want: `export const api = {
  set: (x: number) => x + 1,
  b: 1,
};
`,
  },
  {
    name: "template literal and regex in body",
    language: "typescript",
    action: "implement",
    text: `export function t‸(a: string): string {
}

const b = \`}\`;
`,
    completion: `  const m = /[}{]\\/'/g.exec(a) ?? [\`\${a ? \`}{\${a}\` : '}'}\`];
  // it's a } brace
  return m[0] ?? "}";
}
rest`,
    want: `export function t(a: string): string {
  const m = /[}{]\\/'/g.exec(a) ?? [\`\${a ? \`}{\${a}\` : '}'}\`];
  // it's a } brace
  return m[0] ?? "}";
}

const b = \`}\`;
`,
  },
  {
    name: "template literal and regex in body",
    language: "typescript",
    action: "implement",
    text: `export function t‸(a: string): string {
}

const b = \`}\`;
`,
    chat: fenced(`export function t(a: string): string {
  return \`}\`;
}`),
    want: `export function t(a: string): string {
  return \`}\`;
}

const b = \`}\`;
`,
  },
  {
    name: "tilde",
    language: "typescript",
    action: "fix",
    text: `function f‸() {
  return 1;
}
`,
    chat: `~~~ts
function f() {
  return \`a\`;
}
~~~
`,
    want: `function f() {
  return \`a\`;
}
`,
  },
  {
    name: "thinking about fences",
    language: "typescript",
    action: "fix",
    text: `function f‸() {
  return 1;
}
`,
    chat: `1. Do this:
   \`\`\`ts
   function f() {
     return 2;
   }
   \`\`\`
`,
    want: `function f() {
  return 2;
}
`,
  },
];
for (const it of CASES) check(it);
