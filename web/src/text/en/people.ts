/** Settings, keys, the tour, and what screen readers are told. */
export const people = {
  "command.settings": "Settings",
  "settings.language": "Language",
  "settings.language.system": "As the browser",
  "settings.language.en": "English",
  "settings.language.zh": "简体中文",
  "settings.theme": "Appearance",
  "settings.theme.system": "As the system",
  "settings.theme.light": "Light",
  "settings.theme.dark": "Dark",
} as const;
