export default {
  "spoken.ask": "No camera? Digits instead",
  "spoken.about": "Eight digits that somebody types at the counter, for when no camera reads the code.",
  "spoken.tell": "Good once, at one counter, in place of the code.",
  "spoken.left": "good for {seconds} s",
  "spoken.over": "Those digits are over. Ask for new ones.",
  "spoken.aloud": "Read aloud",
};
