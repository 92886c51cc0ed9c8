-- wrk: reads and writes mixed, one write in five. Each answer is counted by its status; what was not answered is wrk's to tell.
-- wrk … -s load.lua https://host -- <token> <prefix of names>
local threads = {}

function setup(thread)
    thread:set("number", #threads)
    threads[#threads + 1] = thread
end

function init(args)
    token, prefix = args[1], args[2]
    sent, read, made, refused = 0, 0, 0, 0
    said = ""
end

function request()
    sent = sent + 1
    local headers = { Authorization = "Bearer " .. token, ["Content-Type"] = "application/json" }
    if sent % 5 ~= 0 then
        return wrk.format("GET", "/v2/karanas?limit=5", headers)
    end
    local name = prefix .. "-" .. number .. "-" .. sent
    -- As clients should: so a balancer, too, may try again.
    headers["Idempotency-Key"] = name
    return wrk.format("POST", "/v2/karanas", headers, '{"name":"' .. name .. '","owner":null,"config":{}}')
end

function response(status, _, body)
    if status == 200 then
        read = read + 1
    elseif status == 201 then
        made = made + 1
    else
        refused = refused + 1
        said = status .. " " .. string.sub(body, 1, 200)
    end
end

function done(summary)
    local read, made, refused, said = 0, 0, 0, ""
    for _, thread in ipairs(threads) do
        read = read + thread:get("read")
        made = made + thread:get("made")
        refused = refused + thread:get("refused")
        if thread:get("said") ~= "" then said = thread:get("said") end
    end
    local errors = summary.errors
    print(string.format("LOAD read=%d made=%d refused=%d connect=%d receive=%d send=%d timeout=%d %s", read, made, refused,
        errors.connect, errors.read, errors.write, errors.timeout, said))
end
