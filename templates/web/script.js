(() => {
  const main = document.querySelector("main");
  let shown = main.innerHTML;
  const name = (element) => element && main.contains(element) && (element.id || element.getAttribute("href"));
  const named = (wanted) => [...main.querySelectorAll("[id],a[href]")].find((element) => name(element) === wanted);
  async function refresh() {
    if (document.hidden || document.activeElement.matches("input,select")) return;
    const answer = await fetch(location.href, { cache: "no-cache", signal: AbortSignal.timeout(30000) });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh || fresh.innerHTML === shown) return;
    if (page.querySelector("style").textContent !== document.querySelector("style").textContent) return location.reload();
    shown = fresh.innerHTML;
    const focused = name(document.activeElement);
    const sideways = [...main.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    for (const open of main.querySelectorAll("details[id]")) {
      const same = [...fresh.querySelectorAll("details[id]")].find((other) => other.id === open.id);
      if (same) same.open = open.open;
    }
    main.replaceChildren(...fresh.childNodes);
    document.title = page.title;
    main.querySelectorAll(".scroll").forEach((box, at) => { box.scrollLeft = sideways[at] || 0; });
    if (focused) named(focused)?.focus({ preventScroll: true });
  }
  const later = () => setTimeout(() => refresh().catch(() => {}).finally(later), 1000 * (main.dataset.refresh || 60));
  later();
  document.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest("input,select,pre,.scroll")) return;
    const link = main.querySelector(`a[rel=${way}]`);
    if (link) location.assign(link.href);
  });
})();
