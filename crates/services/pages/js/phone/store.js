// What a phone keeps, in the browser's database: its key, which no script can read, and its credentials.

const DATABASE = "kitecity.phone";
const WALLETS = "wallets";

let opened = null;

/** The wallet of a resident on this phone; undefined if there is none. */
export const load = (resident) => transact("readonly", (wallets) => wallets.get(resident));

/** Keeps a wallet, which has its `resident`. */
export const keep = (wallet) => transact("readwrite", (wallets) => wallets.put(wallet));

/** Forgets a resident, their key included. */
export const forget = (resident) => transact("readwrite", (wallets) => wallets.delete(resident));

async function transact(mode, act) {
  const database = await (opened ??= open());
  return done(act(database.transaction(WALLETS, mode).objectStore(WALLETS)));
}

function open() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(WALLETS, { keyPath: "resident" });
  return done(request);
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
