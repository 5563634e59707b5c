// Shows the rows that hold all typed words and the chosen verdict or outcome.
const words = document.getElementById("words");
const choice = document.getElementById("choice");
const shown = document.getElementById("shown");
const rows = [...document.querySelectorAll("[data-said]")];
const texts = rows.map((row) => row.textContent.toLowerCase());
function apply() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  rows.forEach((row, i) => {
    const said = row.dataset.said.split(" ");
    const fits = (!choice.value || said.includes(choice.value)) && wanted.every((word) => texts[i].includes(word));
    row.hidden = !fits;
    count += fits;
  });
  shown.textContent = wanted.length || choice.value ? `${count} of ${rows.length} shown` : "";
}
words.addEventListener("input", apply);
choice.addEventListener("change", apply);
// A link to a filtered row must lead somewhere; a link to a test opens it.
function arrive() {
  const aim = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!aim) return;
  if (aim.hidden) { words.value = ""; choice.value = ""; apply(); }
  if (aim.tagName === "DETAILS") aim.open = true;
  aim.scrollIntoView();
}
window.addEventListener("hashchange", arrive);
apply();
arrive();
