// Calls of the admin interface. Changes carry the token, if one was given; it is
// kept for as long as the page is open, and nowhere else.

let token = "";

export const setToken = (t) => { token = t; };

export class Refusal extends Error {
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
  }
  const response = await fetch(path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(method === "GET" ? 8000 : 40000),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(response.status, answer.error ?? `answered ${response.status}`, answer);
  return answer;
}

export const get = (path, parameters = []) => {
  const query = new URLSearchParams(parameters).toString();
  return call("GET", query ? `${path}?${query}` : path);
};
export const post = (path, body) => call("POST", path, body);
export const put = (path, body) => call("PUT", path, body);
export const remove = (path) => call("DELETE", path);

export const drainPath = (upstream, target) =>
  `/upstreams/${encodeURIComponent(upstream)}/targets/${encodeURIComponent(target)}/drain`;
