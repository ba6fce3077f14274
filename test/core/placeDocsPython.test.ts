import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "doc",
    language: "python",
    action: "docstring",
    text: `def f‸(x, y):
    return x + y
`,
    completion: `Add two numbers."""
    return`,
    want: `def f(x, y):
    """Add two numbers."""
    return x + y
`,
  },
  {
    name: "doc",
    language: "python",
    action: "docstring",
    text: `def f‸(x, y):
    return x + y
`,
    chat: fenced(`"""Add two numbers.

Args:
    x: first
    y: second,
        goes on

Returns:
    The sum.
"""`),
    want: `def f(x, y):
    """Add two numbers.

    Args:
        x: first
        y: second,
            goes on

    Returns:
        The sum.
    """
    return x + y
`,
  },
  {
    name: "doc answered with code and indent",
    language: "python",
    action: "docstring",
    text: `class A:
    def f‸(self, x, y):
        return x + y
`,
    completion: `
    Add.

    Args:
        x: first
    """
    return`,
    want: `class A:
    def f(self, x, y):
        """Add.

        Args:
            x: first
        """
        return x + y
`,
  },
  {
    name: "doc answered with code and indent",
    language: "python",
    action: "docstring",
    text: `class A:
    def f‸(self, x, y):
        return x + y
`,
    chat: fenced(`def f(self, x, y):
    """
    Add two numbers.

    Args:
        x: first
    """
    return x + y`),
    want: `class A:
    def f(self, x, y):
        """Add two numbers.

        Args:
            x: first
        """
        return x + y
`,
  },
  {
    name: "doc replaced",
    language: "python",
    action: "docstring",
    text: `class A:
    def f‸(self, x, y):
        """Old

        old."""
        return x + y
`,
    completion: 'New."""',
    want: `class A:
    def f(self, x, y):
        """New."""
        return x + y
`,
  },
  {
    name: "doc replaced",
    language: "python",
    action: "docstring",
    text: `class A:
    def f‸(self, x, y):
        """Old

        old."""
        return x + y
`,
    chat: fenced(`"""New

more"""`),
    want: `class A:
    def f(self, x, y):
        """New

        more
        """
        return x + y
`,
  },
  {
    name: "doc of class",
    language: "python",
    action: "docstring",
    text: `class ‸A(B):
    x = 1

    def f(self):
        return 2
`,
    completion: 'An A."""',
    chat: fenced(`class A(B):
    """An A."""`),
    want: `class A(B):
    """An A."""
    x = 1

    def f(self):
        return 2
`,
  },
  {
    name: "doc on one-liner",
    language: "python",
    action: "docstring",
    text: `def f‸(x): return x


y = 1
`,
    completion: 'Same."""',
    chat: fenced('"""Same."""'),
    want: `def f(x):
    """Same."""
    return x


y = 1
`,
  },
  {
    name: "doc multi-line signature, comment first",
    language: "python",
    action: "docstring",
    text: `def f‸(
    x,
    y,
):

    # comment
    return x
`,
    completion: 'Same."""',
    chat: fenced('"""Same."""'),
    want: `def f(
    x,
    y,
):

    """Same."""
    # comment
    return x
`,
  },
  {
    name: "shebang and eof without newline",
    language: "python",
    action: "docstring",
    text: `#!/usr/bin/env python
if x:
    def fo‸o(a):
        return a`,
    completion: ' Foo."""',
    chat: fenced('"""Foo."""'),
    want: `#!/usr/bin/env python
if x:
    def foo(a):
        """Foo."""
        return a`,
  },
  {
    name: "docstring with fence inside",
    language: "python",
    action: "docstring",
    text: `def fo‸o(a):
    return a
`,
    chat: fenced(`"""Foo.

    \`\`\`python
    foo(1)
    \`\`\`

    More.
    """`),
    want: `def foo(a):
    """Foo.

    \`\`\`python
    foo(1)
    \`\`\`

    More.
    """
    return a
`,
  },
  {
    name: "tabs body one-line python doc",
    language: "python",
    action: "docstring",
    text: `def f‸(xs):
	if xs:
		return 1
`,
    completion: 'F."""',
    want: `def f(xs):
	"""F."""
	if xs:
		return 1
`,
  },
  {
    name: "tabs body one-line python doc",
    language: "python",
    action: "docstring",
    text: `def f‸(xs):
	if xs:
		return 1
`,
    chat: fenced(
      `"""F.

Returns:
    int: it
"""`,
      "py",
    ),
    want: `def f(xs):
	"""F.

	Returns:
	    int: it
	"""
	if xs:
		return 1
`,
  },
];
for (const it of CASES) check(it);
