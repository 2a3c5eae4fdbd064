export default {
  "pair.title": "输入 PIN 码",
  "pair.about": "PIN 码显示在运行 Kitecity 的终端里,每个只能用于一台设备。扫描那里的二维码会自动填入。",
  "pair.pin": "八位 PIN 码",
  "pair.enter": "继续",
  "pair.wrong_pin": "与终端里的 PIN 码不符。一个 PIN 码用过后,终端会显示下一个。",
  "pair.locked": "错误次数过多。请稍等片刻,再用终端里当前的 PIN 码重试。",
};
