-- What a person does in Neovim, and what they see. Run with the configuration of docs/editors.md.
local said = {}
local function say(what, text)
    table.insert(said, what .. ": " .. text)
end
local function await(what, ready)
    if not vim.wait(50000, ready, 10) then
        error(what .. " did not come")
    end
end
local function line(number)
    return vim.api.nvim_buf_get_lines(0, number - 1, number, false)[1]
end
-- Puts the cursor on the first place of a text.
local function go(text)
    vim.fn.cursor(1, 1)
    if vim.fn.search("\\V" .. text, "cW") == 0 then
        error("no " .. text)
    end
end

local function session()
    vim.cmd("edit pay.ae")
    await("the server", function()
        return #vim.lsp.buf_get_clients(0) > 0
    end)
    await("a problem", function()
        return #vim.diagnostic.get(0) > 0
    end)
    for _, problem in ipairs(vim.diagnostic.get(0)) do
        say("problem in line " .. problem.lnum + 1, problem.message)
    end

    vim.ui.select = function(actions, options, choose)
        say("action", (options.format_item or tostring)(actions[1]))
        choose(actions[1], 1)
    end
    go("amount = 1000")
    vim.fn.search("=", "W")
    vim.lsp.buf.code_action()
    await("the fix", function()
        return line(4):find("==") ~= nil
    end)
    say("fixed", line(4))
    await("no problem", function()
        return #vim.diagnostic.get(0) == 0
    end)

    go("company.balance   >=")
    vim.lsp.buf.rename("firm")
    await("the new name", function()
        return line(3):find("firm") ~= nil
    end)
    say("renamed", table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), " ⏎ "))

    if vim.lsp.buf.format then
        vim.lsp.buf.format({ timeout_ms = 50000 })
    else
        vim.lsp.buf.formatting_sync(nil, 50000)
    end
    say("laid out", line(3))

    go("pay(firm")
    vim.lsp.buf.hover()
    local window
    await("the hover", function()
        for _, one in ipairs(vim.api.nvim_list_wins()) do
            if vim.api.nvim_win_get_config(one).relative ~= "" then
                window = one
                return true
            end
        end
        return false
    end)
    local shown = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
    say("hover", table.concat(shown, " ⏎ "))

    go("amount;")
    vim.lsp.buf.definition()
    await("the definition", function()
        return vim.fn.line(".") == 1
    end)
    say("defined at", vim.fn.line(".") .. ":" .. vim.fn.col("."))

    vim.cmd("write")
    say("symbols", #vim.lsp.buf_request_sync(0, "textDocument/documentSymbol", {
        textDocument = vim.lsp.util.make_text_document_params(),
    }, 50000)[1].result .. " item")
end

local fine, problem = pcall(session)
if not fine then
    say("failed", tostring(problem))
end
local file = io.open("said.txt", "w")
file:write(table.concat(said, "\n") .. "\n")
file:close()
vim.cmd("qall!")
