-- For wrk: each thread asks for the addresses of a file in turn, with the cookies of a second file in turn.
-- With "keep" in place of that file a thread keeps the cookie that it is given, as a browser does.
-- At the end one line of JSON tells how it went.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

local function lines(name)
   local found = {}
   for line in io.lines(name) do found[#found + 1] = line end
   return found
end

local requests, at, keeps = {}, 0, false
local paths, own = {}, nil

function init(args)
   paths = lines(args[1])
   keeps = args[2] == "keep"
   local cookies = (args[2] and not keeps) and lines(args[2]) or {}
   for i = 1, math.max(#paths, #cookies) do
      local headers = {}
      if #cookies > 0 then headers["Cookie"] = cookies[(i - 1) % #cookies + 1] end
      requests[i] = wrk.format("GET", paths[(i - 1) % #paths + 1], headers)
   end
   -- Threads begin at different places, or all would ask for the same page at once.
   at = number * 37
   if keeps then response = keep end
end

function request()
   at = at + 1
   local i = (at - 1) % #requests + 1
   if keeps and own then return wrk.format("GET", paths[i], { Cookie = own }) end
   return requests[i]
end

function keep(status, headers)
   local given = headers["set-cookie"] or headers["Set-Cookie"]
   if given then own = given:match("^[^;]+") end
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "longest_ms": %.3f, "errors": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      latency.max / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
