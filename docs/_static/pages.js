// What scrolls sideways can be reached with the keyboard: code, and a wide table on a phone.
const reach = () => {
  for (const box of document.querySelectorAll("pre, .table-wrapper"))
    box.toggleAttribute("tabindex", box.scrollWidth > box.clientWidth) && (box.tabIndex = 0);
};
addEventListener("load", reach);
addEventListener("resize", reach);

// On a phone, where each cell of a wide table has a line, it says what it is.
for (const cell of document.querySelectorAll("td:nth-child(n + 2)")) {
  const heading = cell.closest("table").tHead?.rows[0].cells[cell.cellIndex]?.innerText;
  if (heading && cell.closest("tr").cells.length > 2) cell.dataset.heading = heading;
}

// What scripts write that have no Korean: sphinx-copybutton, and Sphinx below the search field.
if (document.documentElement.lang === "ko") {
  Documentation.TRANSLATIONS["Hide Search Matches"] = "검색어 표시 지우기";
  messages.ko = {copy: "복사", copy_success: "복사했습니다", copy_failure: "복사하지 못했습니다"};
  locale = "ko";
  iconCopy = iconCopy.replace("Copy to clipboard", "복사");
  iconCheck = iconCheck.replace("Copied!", "복사했습니다");
}
