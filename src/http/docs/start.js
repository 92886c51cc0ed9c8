'use strict';

// Relative to the page, below whatever path a proxy serves it; a slash at its end makes no difference.
const page = location.origin + location.pathname.replace(/\/+$/, '');

SwaggerUIBundle({
  url: new URL('openapi.json', page).href,
  dom_id: '#page',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'none',
  filter: true,
  // The public validator would be asked about the document otherwise.
  validatorUrl: null,
});
