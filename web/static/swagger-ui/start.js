// To play audio, Swagger UI would ask for it again, with GET: here it plays what came, or offers it as a file if no browser plays it.
const playsWhatCame = (system) => ({
  wrapComponents: {
    responseBody: (Original) => (props) => {
      const heard = props.content instanceof Blob && /^audio\//.test(props.contentType);
      const url = system.React.useMemo(() => (heard ? URL.createObjectURL(props.content) : props.url), [props.content]);
      const playable = heard && document.createElement('audio').canPlayType(props.contentType);
      const headers = heard && !playable ? { ...props.headers, 'content-disposition': 'attachment' } : props.headers;
      return system.React.createElement(Original, { ...props, url, headers });
    },
  },
});

// Our document only: an address given in the query is not looked at.
window.ui = window.SwaggerUIBundle({
  url: '../openapi.json',
  dom_id: '#swagger',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  queryConfigEnabled: false,
  validatorUrl: null,
  plugins: [playsWhatCame],
});
