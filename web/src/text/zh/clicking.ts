import type { clicking as english } from "../en/clicking";
import type { Translated } from "../translated";

export const clicking: Translated<typeof english> = {
  "clicking.title": "点击的方式",
  "clicking.promptable": "提示",
  "clicking.refine": "精修",
  "clicking.interactive": "交互",
  "clicking.promptable.hint": "每次点击都是一次提问：立即给出候选掩码，并在指针下预览。",
  "clicking.refine.hint": "第一次点击给出候选掩码，之后的点击在点击处附近修正所选掩码。",
  "clicking.interactive.hint": "每次点击都改进同一个掩码，手绘或导入的掩码也可以。没有预览。",
  "settings.flip": "交互点击",
  "settings.flip.off": "快速",
  "settings.flip.on": "细致：与镜像结果取平均，速度减半",
  "command.clicking": "切换提示、精修或交互",
  "problem.clicks_failed": "交互模型无法在此运行。点击改由提示模型回答，您的掩码已保留。",
  "problem.clicks_picture": "此图片超出交互模型在此处的能力，对它的点击改由提示模型回答。",
  "engine.panel.clicks": "交互模型",
  "engine.panel.clicking": "模式",
};
