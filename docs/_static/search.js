// Sphinx puts this into language_data.js, which only the two pages of results have.
const isKorean = document.documentElement.lang === "ko";

// Pages in the language of the reader come first: a Korean word, or a search on a Korean page.
const wantsKorean =
  isKorean || /[가-힣]/.test(new URLSearchParams(location.search).get("q"));
const isForReader = (page) => page.startsWith("ko/") === wantsKorean;

// What searchtools.js has without this file, but for the page's language.
var Scorer = {
  score: ([page, title, anchor, description, score]) =>
    score + (isForReader(page) ? 1000 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {0: 15, 1: 5, 2: -5},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

// Sphinx finds "graph" in "cryptography". Here a word begins like the one that is typed, except in
// Korean, which writes nouns together.
const find = Search.performTermsSearch;
const findWord = (word, excluded) => {
  const index = Search._index;
  const begins = (terms) =>
    Object.fromEntries(Object.entries(terms).filter(([term]) => term.startsWith(word)));
  if (!/[가-힣]/.test(word))
    Search._index = {...index, terms: begins(index.terms), titleterms: begins(index.titleterms)};
  const found = find(new Set([word]), excluded);
  Search._index = index;
  return found;
};

// Sphinx wants all words. Here a page may lack some: a rare word counts for more than a frequent
// one, and {index} words as much as a title. Pages that lack more than they have are left out,
// unless a title outweighs that, and there is no answer if each page lacks more than half of the
// words.
Search.performTermsSearch = (words, excluded) => {
  const index = Search._index;
  const {docnames, filenames, indexentries, titles} = index;
  const stemmer = new Stemmer();
  const named = Object.entries(indexentries).map(([words, places]) => ({
    words: splitQuery(words).map((word) => stemmer.stemWord(word)),
    pages: places.filter(([, , isMain]) => isMain).map(([page]) => docnames[page]),
  }));
  // Koreans space freely: 키페어 is 키 페어, if the pages have both.
  const isKnown = (word) =>
    word in index.terms || word in index.titleterms || named.some((name) => name.words.includes(word));
  const spaced = (word) =>
    [...word].map((_, at) => [word.slice(0, at), word.slice(at)]).find((parts) => parts.every(isKnown));
  words = new Set(
    [...words].flatMap((word) => (!isKnown(word) && /^[가-힣]{3,}$/.test(word) && spaced(word)) || word),
  );
  const found = new Map();
  for (let word of words) {
    const points = new Map();
    const add = (page, score) => points.set(page, score + (points.get(page) ?? 0));
    // A Korean verb ends in many ways: 유출되면 has 유출.
    for (; points.size === 0 && word; word = /[가-힣]{3}$/.test(word) && word.slice(0, -1)) {
      for (const {words, pages} of named)
        if (words.includes(word)) new Set(pages).forEach((page) => points.has(page) || add(page, Scorer.title));
      for (const [page, , , , score] of findWord(word, excluded)) add(page, score);
    }
    const rarity = Math.log(1 + docnames.length / points.size);
    for (const [page, score] of points) {
      const {has, total, count} = found.get(page) ?? {has: 0, total: 0, count: 0};
      found.set(page, {has: has + rarity, total: total + score * rarity, count: count + 1});
    }
  }
  if (Math.max(...[...found.values()].map(({count}) => count)) < words.size / 2) return [];
  const most = Math.max(...[...found].map(([page, {has}]) => (isForReader(page) ? has : 0)));
  const full = Math.max(...[...found.values()].map(({has, total}) => (has >= most ? total : 0)));
  return [...found]
    .filter(([, {has, total}]) => has >= most / 2 || total >= full)
    .map(([page, {total}]) => {
      const place = docnames.indexOf(page);
      return [page, titles[place], "", null, total, filenames[place], SearchResultKind.text];
    });
};

const NO_HIT =
  "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.";
Documentation.addTranslations(
  isKorean
    ? {
        locale: "ko",
        plural_expr: "0",
        messages: {
          "Searching": "검색 중",
          "Search Results": "검색 결과",
          ", in ": ", ",
          [NO_HIT]: "검색어에 맞는 페이지를 찾지 못했습니다.",
          "Search finished, found one page matching the search query.": [
            "${resultCount}개의 페이지를 찾았습니다.",
          ],
        },
      }
    : {
        locale: "en",
        plural_expr: "n === 1 ? 0 : 1",
        messages: {[NO_HIT]: "No page was found for these words."},
      },
);
