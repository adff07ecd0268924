/** The page at /docs. Its script is a file, as the page's policy permits no scripts in the page itself. */
export const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Penstock REST API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <noscript>This page needs JavaScript. The contract itself is <a href="/openapi.yaml">openapi.yaml</a>.</noscript>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`

/** Swagger UI would send the contract to its authors for validation unless told not to. */
export const docsScript = `SwaggerUIBundle({
  dom_id: '#docs',
  url: '/openapi.yaml',
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
})
`

/** The page loads from this worker only, and sends requests to it only. Swagger UI writes styles into the page. */
export const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
