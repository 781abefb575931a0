// Loaded in <head> without defer so that the chosen theme is there before the first paint.
// Everything here only improves pages that work without it.
(() => {
  const root = document.documentElement;
  root.classList.add("has-js");

  const storedTheme = () => {
    try { return localStorage.getItem("theme"); } catch { return null; } // storage can be forbidden
  };
  const showTheme = (theme) => {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === (theme || "")));
    }
  };
  showTheme(storedTheme());

  const UNITS = [["hour", 3600], ["minute", 60]];
  const formatter = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "always" });
  // Under a minute and from a day on, the server's words stay.
  const refreshTimes = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
      if (unit && Math.abs(seconds) < 86400) time.textContent = formatter.format(Math.trunc(seconds / unit[1]), unit[0]);
    }
  };

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (button) {
      try { localStorage.setItem("theme", button.dataset.setTheme); } catch { /* kept for this page only */ }
      showTheme(button.dataset.setTheme);
    }
    closeMenus(event.target.closest("details.menu"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu[open]");
    closeMenus();
    menu?.querySelector("summary").focus();
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const control of document.querySelectorAll("[data-needs-js]")) control.hidden = false;
    showTheme(storedTheme());
    setInterval(refreshTimes, 30000);

    // A hidden tab asks the server for nothing, and catches up when it is looked at again.
    document.body.addEventListener("htmx:beforeRequest", (event) => {
      if (document.hidden && event.detail.elt.hasAttribute("data-poll")) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) for (const element of document.querySelectorAll("[data-poll]")) window.htmx?.trigger(element, "refresh");
    });
  });
})();
