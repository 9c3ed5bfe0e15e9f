// Korean pages come first for Korean words, and for a search that began on a Korean page.
const wantsKorean =
  /[가-힣]/.test(new URLSearchParams(location.search).get("q")) ||
  document.referrer.includes("/ko/");

// What searchtools.js has without this file, but for the page's language.
var Scorer = {
  score: ([page, title, anchor, description, score]) =>
    score + (wantsKorean && page.startsWith("ko/") ? 1000 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {0: 15, 1: 5, 2: -5},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
