import { type Case, check, fenced } from "./placing.ts";

const TABS = `class A {
	private x = 1;

	f‸(): number {
		throw new Error("not implemented");
	}
}
`;

const CASES: readonly Case[] = [
  {
    name: "four spaces for tabs",
    language: "typescript",
    action: "implement",
    text: TABS,
    chat: fenced(`f(): number {
    if (this.x) {
        return 1;
    }
    return this.x;
}`),
    want: `class A {
	private x = 1;

	f(): number {
		if (this.x) {
			return 1;
		}
		return this.x;
	}
}
`,
  },
  {
    name: "four spaces for tabs, as deep as in the file",
    language: "typescript",
    action: "implement",
    text: TABS,
    chat: fenced(`    f(): number {
        if (this.x) {
            return 1;
        }
        return this.x;
    }`),
    want: `class A {
	private x = 1;

	f(): number {
		if (this.x) {
			return 1;
		}
		return this.x;
	}
}
`,
  },
  {
    name: "four spaces for tabs",
    language: "python",
    action: "implement",
    text: `class A:
	def f‸(self, xs):
		"""Sum."""
		pass

	def g(self):
		return 1
`,
    chat: fenced(`def f(self, xs):
    """Sum.

    Of all.
    """
    total = 0
    for x in xs:
        if x:
            total += x
    return total`),
    want: `class A:
	def f(self, xs):
		"""Sum.

		Of all.
		"""
		total = 0
		for x in xs:
			if x:
				total += x
		return total

	def g(self):
		return 1
`,
  },
  {
    name: "four for two, a template between",
    language: "typescript",
    action: "fix",
    text: `class A {
  f‸(a: string): string {
    if (a) {
      return a;
    }
  }
}
`,
    chat: fenced(`f(a: string): string {
    if (a) {
        return \`
    \${a}
  b\`;
    }
    return "";
}`),
    want: `class A {
  f(a: string): string {
    if (a) {
      return \`
    \${a}
  b\`;
    }
    return "";
  }
}
`,
  },
  {
    name: "a signature with deeper lines keeps its body inside",
    language: "python",
    action: "fix",
    text: `class A:
    def f‸(self, a, b):
        return a
`,
    chat: fenced(`def f(
        self,
        a,
        b,
):
    return max(a,
               b)`),
    want: `class A:
    def f(
        self,
        a,
        b,
    ):
        return max(a,
                   b)
`,
  },
];
for (const it of CASES) check(it);
