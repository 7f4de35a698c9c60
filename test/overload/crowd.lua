-- The requests of wrk, and its counts: answers, refusals (503, or an error OVERLOADED), and anything else.
local body = '{"query":"' .. os.getenv("DOCUMENT") .. '"}'
local headers = { ["content-type"] = "application/json" }

function request()
  return wrk.format("POST", "/graphql", headers, body)
end

accepted, refused, strange = 0, 0, 0

function response(status, _, answer)
  local failed = string.find(answer, '"errors"', 1, true)
  if status == 200 and not failed then
    accepted = accepted + 1
  elseif failed and string.find(answer, "OVERLOADED", 1, true) then
    refused = refused + 1
  else
    strange = strange + 1
  end
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local sums = { accepted = 0, refused = 0, strange = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sums) do
      sums[name] = sums[name] + thread:get(name)
    end
  end
  local errors = summary.errors
  sums.strange = sums.strange + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    'CROWD {"accepted":%d,"refused":%d,"strange":%d,"seconds":%f,"slowest":%d}\n',
    sums.accepted, sums.refused, sums.strange, summary.duration / 1e6, latency.max / 1e3
  ))
end
