/** The canvas's 2D context; raises where the browser gives none. */
export function contextOf(
  canvas: OffscreenCanvas,
  settings?: CanvasRenderingContext2DSettings,
): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext("2d", settings);
  if (context === null) throw new Error("The browser gives no 2D canvas.");
  return context;
}
