// Before the first paint, so that a page with a chosen theme never flashes in the other one. No module: those run too late.
try {
  const theme = localStorage.getItem("segserve.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing: the system's theme.
}
