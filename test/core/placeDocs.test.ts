import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "doc new on decorated method",
    language: "typescript",
    action: "docstring",
    text: `class C {
  x = 1;

  @Get("/x")
  async fi‸nd(id: string): Promise<number> {
    return 1;
  }
}
`,
    completion: ` Finds it.
 * @param id The id.
 */
`,
    want: `class C {
  x = 1;

  /**
   * Finds it.
   * @param id The id.
   */
  @Get("/x")
  async find(id: string): Promise<number> {
    return 1;
  }
}
`,
  },
  {
    name: "doc new on decorated method",
    language: "typescript",
    action: "docstring",
    text: `class C {
  x = 1;

  @Get("/x")
  async fi‸nd(id: string): Promise<number> {
    return 1;
  }
}
`,
    chat: fenced(`/**
 * Finds it.
 *
 * @param id The id.
 * @example
 *   find("x")
 */
async find(id: string) {`),
    want: `class C {
  x = 1;

  /**
   * Finds it.
   *
   * @param id The id.
   * @example
   *   find("x")
   */
  @Get("/x")
  async find(id: string): Promise<number> {
    return 1;
  }
}
`,
  },
  {
    name: "doc replaced",
    language: "typescript",
    action: "docstring",
    text: `const q = 1;
/** Old. */
export function f‸(x: number) {
  return x;
}
`,
    completion: ` New.
 */`,
    chat: fenced("/** New. */"),
    want: `const q = 1;
/**
 * New.
 */
export function f(x: number) {
  return x;
}
`,
  },
  {
    name: "doc on class",
    language: "typescript",
    action: "docstring",
    text: `export default class Fo‸o {
  a = 1;
}
`,
    completion: ` A foo.
 */`,
    chat: fenced(`/** A foo. */
export default class Foo {`),
    want: `/**
 * A foo.
 */
export default class Foo {
  a = 1;
}
`,
  },
  {
    name: "doc on overload + same named method",
    language: "typescript",
    action: "docstring",
    text: `class A {
  /** Has. */
  run() { return 1; }
}
class B {
  ru‸n() { return 2; }
}
`,
    completion: ` Runs.
 */`,
    chat: fenced("/** Runs. */"),
    want: `class A {
  /** Has. */
  run() { return 1; }
}
class B {
  /**
   * Runs.
   */
  run() { return 2; }
}
`,
  },
  {
    name: "doc mid-line",
    language: "typescript",
    action: "docstring",
    text: `class A {
  x = 1; fo‸o() { return 1; }
}
`,
    completion: ` Foo.
 */`,
    chat: fenced("/** Foo. */"),
    want: `class A {
  x = 1; 
  /**
   * Foo.
   */
  foo() { return 1; }
}
`,
  },
  {
    name: "old doc mid-line",
    language: "typescript",
    action: "docstring",
    text: `class A { /** Old. */ fo‸o() { return 1; } }
`,
    completion: ` Foo.
 */`,
    chat: fenced("/** Foo. */"),
    want: `class A { /** Old. */ 
/**
 * Foo.
 */
foo() { return 1; } }
`,
  },
  {
    name: "interface method doc",
    language: "typescript",
    action: "docstring",
    text: `export interface A {
  fo‸o(a: string): void;
}
`,
    completion: ` Foo.
 */`,
    chat: fenced("/** Foo. */"),
    want: `export interface A {
  /**
   * Foo.
   */
  foo(a: string): void;
}
`,
  },
  {
    name: "bom",
    language: "typescript",
    action: "docstring",
    text: "\uFEFFexport function fo‸o() {}\n",
    completion: ` Foo.
 */`,
    chat: fenced("/** Foo. */"),
    want: "\uFEFF/**\n * Foo.\n */\nexport function foo() {}\n",
  },
  {
    name: "getter and setter",
    language: "typescript",
    action: "docstring",
    text: `class A {
  get x() { return 1; }
  set x‸(v) { this.y = v; }
}
`,
    completion: ` Sets.
 */`,
    chat: fenced("/** Sets. */"),
    want: `class A {
  get x() { return 1; }
  /**
   * Sets.
   */
  set x(v) { this.y = v; }
}
`,
  },
];
for (const it of CASES) check(it);
