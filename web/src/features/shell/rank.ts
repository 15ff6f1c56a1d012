/**
 * Entries that match what was typed, best first: all words must occur; a match
 * at the start of a word counts more than one inside; order is kept otherwise.
 */
export function rank<T>(entries: readonly T[], typed: string, text: (e: T) => string): T[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...entries];
  const scored: { entry: T; score: number; at: number }[] = [];
  entries.forEach((entry, at) => {
    const score = scoreOf(text(entry).toLowerCase(), words);
    if (score > 0) scored.push({ entry, score, at });
  });
  scored.sort((a, b) => b.score - a.score || a.at - b.at);
  return scored.map((s) => s.entry);
}

function scoreOf(text: string, words: readonly string[]): number {
  let score = 0;
  for (const w of words) {
    const at = text.indexOf(w);
    if (at < 0) return 0;
    if (at === 0) score += 4;
    else if (!/[a-z0-9]/.test(text.charAt(at - 1)) || text.includes(` ${w}`)) score += 3;
    else score += 1;
  }
  return score;
}
