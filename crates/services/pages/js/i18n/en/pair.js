export default {
  "pair.title": "Enter the PIN",
  "pair.about": "It stands in the terminal where Kitecity runs, and is good for one device. The QR code there brings it along.",
  "pair.pin": "PIN of eight digits",
  "pair.enter": "Continue",
  "pair.wrong_pin": "This is not the PIN in the terminal. When a device has used one, the next stands there.",
  "pair.locked": "Too many wrong PINs. Wait a while, then try again with the PIN that stands in the terminal now.",
};
