// From disk a browser starts no Worker, and the site's search would need one: it then runs in a hidden frame.
// Nothing is fetched from elsewhere. The theme asks for `IFrameWorker` in the frame's parent by that name.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inside = frame.contentWindow;
      this.inside.reply = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const page = this.inside.document;
      page.open();
      page.write(`<script>postMessage = reply<\/script><script src="${new URL(url, document.baseURI)}"><\/script>`);
      page.close();
      this.loaded = new Promise((done) => this.inside.addEventListener("load", done));
    }

    postMessage(data) {
      this.loaded.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.inside.frameElement.remove();
    }
  };
}
