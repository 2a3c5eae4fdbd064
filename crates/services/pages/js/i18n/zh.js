import shared from "./zh/shared.js";
import console from "./zh/console.js";
import bus from "./zh/bus.js";
import scenarios from "./zh/scenarios.js";
import phone from "./zh/phone.js";
import spoken from "./zh/spoken.js";
import bills from "./zh/bills.js";
import streets from "./zh/streets.js";
import history from "./zh/history.js";
import kiosk from "./zh/kiosk.js";
import till from "./zh/till.js";
import attack from "./zh/attack.js";
import pair from "./zh/pair.js";

export default { ...shared, ...console, ...bus, ...scenarios, ...phone, ...spoken, ...bills, ...streets, ...history, ...kiosk, ...till, ...attack, ...pair };
