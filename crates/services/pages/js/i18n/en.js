import shared from "./en/shared.js";
import console from "./en/console.js";
import phone from "./en/phone.js";
import kiosk from "./en/kiosk.js";
import till from "./en/till.js";

export default { ...shared, ...console, ...phone, ...kiosk, ...till };
