export const clicking = {
  "clicking.title": "What a click asks",
  "clicking.promptable": "Promptable",
  "clicking.refine": "Refine",
  "clicking.interactive": "Interactive",
  "clicking.promptable.hint": "Every click is a question: candidates at once, and a preview under the pointer.",
  "clicking.refine.hint": "The first click gives candidates; further clicks mend the chosen mask around themselves.",
  "clicking.interactive.hint": "Every click improves one mask, also a painted or imported one. No preview.",
  "settings.flip": "Interactive clicks",
  "settings.flip.off": "Fast",
  "settings.flip.on": "Careful: averaged with the mirror image, half as fast",
  "command.clicking": "Promptable, refine or interactive",
  "problem.clicks_failed":
    "The interactive model does not run here. Clicks are answered by the promptable one; your masks are kept.",
  "problem.clicks_picture":
    "This picture is too much for the interactive model here. Clicks on it are answered by the promptable one.",
  "engine.panel.clicks": "Interactive model",
  "engine.panel.clicking": "Mode",
} as const;
