// What every page does when JavaScript is there: keep the last page for when the gateway cannot be reached
// (browsers allow that on https and on this computer itself), and send forms that ask to be sent at once.
if ("serviceWorker" in navigator && window.isSecureContext) {
  navigator.serviceWorker.register("/service-worker.js").catch(() => undefined);
}
document.querySelector("form[data-send-at-once]")?.requestSubmit();
for (const input of document.querySelectorAll("[data-send-on-change]")) {
  input.addEventListener("change", () => input.form.requestSubmit());
}
