-- A small GET over kept-alive connections: the cost of proxying as such.
--
--   wrk -t1 -c64 -d10s --latency -s bench/small.lua http://127.0.0.1:8080/bench
--
-- Choose a path whose answer is short; that of `sluice demo` at /bench has 90 bytes.

wrk.method = "GET"
wrk.headers["Accept"] = "*/*"
wrk.headers["User-Agent"] = "wrk"

-- What wrk --latency leaves out.
function done(summary, latency)
  io.write(string.format("   99.9%% %.2fms\n", latency:percentile(99.9) / 1000))
end
