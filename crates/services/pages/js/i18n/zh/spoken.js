export default {
  "spoken.ask": "无法扫码？改用数字",
  "spoken.about": "无法扫码时，可在窗口报出八位数字，由对方输入。",
  "spoken.tell": "代替二维码，仅能在一个窗口使用一次。",
  "spoken.left": "{seconds} 秒内有效",
  "spoken.over": "数字已失效，请重新获取。",
  "spoken.aloud": "朗读",
};
