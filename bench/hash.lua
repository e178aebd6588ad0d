-- Many users, each with a header that says who: for consistent_hash on that header.
--
--   wrk -t1 -c64 -d10s --latency -s bench/hash.lua http://127.0.0.1:8080/users/1
--   wrk -t1 -c64 -d10s --latency -s bench/hash.lua http://127.0.0.1:8080/ -- X-Session 50000
--
-- The arguments after -- are the header (X-User-Id) and the number of users (10000).

local requests = {}
local turn = 0

function init(args)
  local header = args[1] or "X-User-Id"
  local users = tonumber(args[2]) or 10000
  for user = 1, users do
    requests[user] = wrk.format("GET", wrk.path, { [header] = "user-" .. user, ["Accept"] = "*/*" })
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- What wrk --latency leaves out.
function done(summary, latency)
  io.write(string.format("   99.9%% %.2fms\n", latency:percentile(99.9) / 1000))
end
