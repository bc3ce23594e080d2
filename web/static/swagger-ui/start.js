// Our document only: an address given in the query is not looked at.
window.ui = window.SwaggerUIBundle({
  url: '../openapi.json',
  dom_id: '#swagger',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  queryConfigEnabled: false,
  validatorUrl: null,
});
