-- A POST with a body of 1 KiB.
--
--   wrk -t1 -c64 -d10s --latency -s bench/post1k.lua http://127.0.0.1:8080/bytes/1024
--
-- /bytes/1024 of `sluice demo` answers with 1 KiB too; /echo sends the body back.

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("0123456789abcdef", 64)

-- What wrk --latency leaves out.
function done(summary, latency)
  io.write(string.format("   99.9%% %.2fms\n", latency:percentile(99.9) / 1000))
end
