import type { people as english } from "../en/people";
import type { Translated } from "../translated";

export const people: Translated<typeof english> = {
  "command.settings": "设置",
  "settings.language": "语言",
  "settings.language.system": "跟随浏览器",
  "settings.language.en": "English",
  "settings.language.zh": "简体中文",
  "settings.theme": "外观",
  "settings.theme.system": "跟随系统",
  "settings.theme.light": "浅色",
  "settings.theme.dark": "深色",
};
