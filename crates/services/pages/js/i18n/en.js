import shared from "./en/shared.js";
import console from "./en/console.js";
import bus from "./en/bus.js";
import scenarios from "./en/scenarios.js";
import phone from "./en/phone.js";
import spoken from "./en/spoken.js";
import bills from "./en/bills.js";
import streets from "./en/streets.js";
import history from "./en/history.js";
import kiosk from "./en/kiosk.js";
import till from "./en/till.js";
import attack from "./en/attack.js";
import pair from "./en/pair.js";

export default { ...shared, ...console, ...bus, ...scenarios, ...phone, ...spoken, ...bills, ...streets, ...history, ...kiosk, ...till, ...attack, ...pair };
