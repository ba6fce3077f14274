/** Whether two tools mean the same kind of card: Vulkan puts a driver's name behind the card's, and some leave the maker's out. */
export function isSameCardName(one: string, other: string): boolean {
  const [a, b] = [plain(one), plain(other)];
  return a !== "" && b !== "" && (a.includes(b) || b.includes(a));
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/\s*\(.*\)/g, "")
    .trim();
}
