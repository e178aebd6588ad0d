-- Many hosts and paths by turns, so that every request takes another route.
--
--   wrk -t1 -c64 -d10s --latency -s bench/mixed.lua http://127.0.0.1:8080
--   wrk -t1 -c64 -d10s --latency -s bench/mixed.lua http://127.0.0.1:8080 -- a.example.com,b.example.com /,/v1/users,/about
--
-- The arguments after -- are the hosts and the paths to ask for. Without them,
-- those of bench/run.sh: h00.bench.test to h49.bench.test, /p00 to /p19.

local requests = {}
local turn = 0

local function split(list)
  local parts = {}
  for part in string.gmatch(list, "[^,]+") do
    parts[#parts + 1] = part
  end
  return parts
end

local function numbered(format, count)
  local names = {}
  for i = 0, count - 1 do
    names[#names + 1] = string.format(format, i)
  end
  return names
end

function init(args)
  local hosts = args[1] and split(args[1]) or numbered("h%02d.bench.test", 50)
  local paths = args[2] and split(args[2]) or numbered("/p%02d/items/7?page=2", 20)
  -- Every host in a row, not every path of one host: neighbours differ in both.
  for p = 1, #paths do
    for h = 1, #hosts do
      local path = paths[(p + h) % #paths + 1]
      requests[#requests + 1] = wrk.format("GET", path, { ["Host"] = hosts[h], ["Accept"] = "*/*" })
    end
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
