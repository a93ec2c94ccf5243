import type { pictures as english } from "../en/pictures";
import type { Translated } from "../translated";

export const pictures: Translated<typeof english> = {
  "command.next": "下一张图片",
  "command.previous": "上一张图片",
  "strip.label": "工作区的图片",
  "strip.entry": "{name}，{state}，对象数：{count}",
  "strip.waiting": "等待中",
  "strip.encoding": "编码中",
  "strip.encoded": "已编码",
  "strip.failed": "失败",
  "strip.count": "第 {at} 张，共 {count} 张",
  "strip.remove": "从工作区移除 {name}",
  "strip.remove.sure": "移除 {name}？其中的 {count} 个对象也会一并移除。",
  "strip.remove.begun": "移除 {name}？其中未完成的工作也会一并移除。",
  "strip.add": "添加图片",
  "problem.picture_lost": "浏览器中已没有这张图片。请重新打开文件。",
  "problem.storage_quota": "浏览器的存储空间已满。可以继续工作，但关闭页面后不会保留：请导出，或移除一些图片。",
  "problem.storage_short":
    "浏览器的存储空间不足以保存这些图片（{detail}）。图片可以打开，但关闭页面后不会保留：请移除其他图片或打包工作区。",
  "problem.storage_broken": "浏览器的存储无法使用。可以继续工作，但关闭页面后不会保留。{detail}",
  "problem.storage_unreadable":
    "无法读取浏览器中保存的工作。它没有被改动：请重新加载再试。在此之前所做的在关闭页面后不会保留。",
  "problem.storage_damaged": "{detail} 张图片中已绘制的内容无法再读取。图片本身仍在。",
  "problem.storage_busy": "另一个标签页打开着此页面的旧版本。请关闭它并重新加载。",
  "problem.storage_nearly_full": "浏览器的存储空间已用 {detail}%。请导出工作，或移除已完成的图片。",
  "problem.storage_elsewhere": "此工作区已在另一个标签页中打开。您在这里所做的在关闭此标签页后不会保留。",
  "problem.opened_some": "{detail} 个文件不是图片，已略过。",
  "problem.url_refused": "本页面不从其他主机加载内容。请保存图片后拖入文件，或直接复制并粘贴图片。",
  "problem.zip_broken": "无法读取此 ZIP 文件。",
  "problem.zip_too_large": "此 ZIP 的内容超出页面可接受的范围。",
  "problem.tiff_unreadable": "部分 TIFF 无法在此读取，请另存为 PNG。已略过：{detail}。",
  "problem.tiff_too_large": "部分 TIFF 的内容超出页面允许的范围。已略过：{detail}。",
  "tiff.page": "{name}，第 {page} 页",
  "job.pages": "正在读取 TIFF 页面",

  "open.more": "其他打开方式",
  "open.folder": "打开文件夹",
  "open.camera": "拍照",

  "place.elsewhere": "您的工作区已在另一个标签页中打开。",
  "place.take": "移到这里",
  "place.yielded": "此工作区已移到另一个标签页",
  "place.yielded.kept": "您的所有工作都已保留，并在那里继续。",
  "place.yielded.unkept": "并非所有内容都已保留。请在离开此标签页之前下载工作区。",
  "place.save": "下载工作区",
  "place.back": "移回这里",
};
