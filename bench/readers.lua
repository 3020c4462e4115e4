-- For wrk: asks for the addresses of a file in turn, with the cookies of a second file in turn; an empty line is
-- none. At the end one line of JSON tells how it went.

local function lines(name)
   local found = {}
   for line in io.lines(name) do found[#found + 1] = line end
   return found
end

local requests, at = {}, 0

function init(args)
   local paths, cookies = lines(args[1]), lines(args[2])
   for i = 1, math.max(#paths, #cookies) do
      local cookie, headers = cookies[(i - 1) % #cookies + 1], {}
      if cookie ~= "" then headers["Cookie"] = cookie end
      requests[i] = wrk.format("GET", paths[(i - 1) % #paths + 1], headers)
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "longest_ms": %.3f, "errors": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      latency.max / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
