#include "coordinator/failover_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/address.h"

namespace dsfailover {

namespace {

// Digits alone, at most 18 of them, so that it always fits.
std::optional<std::int64_t> decimal(std::string_view text) {
    if (text.empty() || text.size() > 18) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && text.front() != '-' ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<MarkName> parse_mark_name(std::string_view name) {
    const auto last = name.rfind('-');
    if (last == std::string_view::npos || last == 0) return std::nullopt;
    const auto middle = name.rfind('-', last - 1);
    if (middle == std::string_view::npos) return std::nullopt;
    const auto address = name.substr(0, middle);
    const auto startup = name.substr(middle + 1, last - middle - 1);
    const auto pid = name.substr(last + 1);
    if (!is_address(address)) return std::nullopt;
    if (startup == "unknown" && pid == "unknown")
        return MarkName{std::string(address), std::nullopt};
    const auto startup_time = decimal(startup);
    const auto process_id = decimal(pid);
    if (!startup_time || !process_id) return std::nullopt;
    return MarkName{std::string(address), ProcessIdentity{*startup_time, *process_id}};
}

std::optional<EpochMs> parse_mark_value(std::string_view value) { return decimal(value); }

std::string mark_path(const std::string& address, const std::optional<ProcessIdentity>& process) {
    return process ? fmt::format("{}/{}-{}-{}", paths::kMarks, address, process->startup_time,
                                 process->process_id)
                   : fmt::format("{}/{}-unknown-unknown", paths::kMarks, address);
}

FailoverMarks::FailoverMarks(Registry& registry)
    : registry_(registry),
      names_(registry.children(std::string(paths::kMarks)).value_or(std::vector<std::string>())) {}

const AddressMarks& FailoverMarks::of(const std::string& address) {
    const auto [entry, is_new] = by_address_.try_emplace(address);
    AddressMarks& marks = entry->second;
    if (!is_new) return marks;
    for (const std::string& name : names_) {
        if (!name.starts_with(address + "-")) continue;
        const auto parsed = parse_mark_name(name);
        if (parsed && parsed->address != address) continue;  // a host that continues with a dash
        std::optional<Node> node;
        try {
            node = registry_.get(fmt::format("{}/{}", paths::kMarks, name));
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::denied) throw;
            marks.unparsable = true;
            continue;
        }
        if (!node) continue;
        const auto value = parse_mark_value(node->value);
        if (!parsed || !value) {
            marks.unparsable = true;
        } else if (*value != kFenceValue) {
            marks.newest = std::max(marks.newest.value_or(0), *value);
        }
        marks.nodes.push_back(std::move(*node));
    }
    return marks;
}

EpochMs FailoverMarks::newest_of_any_master(const std::set<std::string>& workers) {
    if (!newest_of_any_master_) {
        EpochMs newest = 0;
        registry_.read_children(std::string(paths::kMarks), [&](ChildRead child) {
            const auto name = parse_mark_name(child.name);
            if (!child.node || !name || workers.contains(name->address)) return;
            newest = std::max(newest, parse_mark_value(child.node->value).value_or(0));
        });
        newest_of_any_master_ = newest;
    }
    return *newest_of_any_master_;
}

MarkInfo write_mark(Registry& registry, AuditLog& audit, const std::string& address,
                    const std::optional<ProcessIdentity>& process, EpochMs value) {
    constexpr int kTries = 10;
    MarkInfo mark;
    mark.path = mark_path(address, process);
    const std::string text = std::to_string(value);
    for (int attempt = 0; attempt < kTries && !mark.written; ++attempt) {
        // The first try takes it that there is none, as nearly always.
        const auto found = attempt == 0 ? std::nullopt : registry.get(mark.path);
        mark.value = value;
        mark.previous_value = found ? std::optional(found->value) : std::nullopt;
        const auto standing = found ? parse_mark_value(found->value) : std::nullopt;
        if (standing && *standing >= value) {
            mark.value = standing;
            return mark;
        }
        try {
            mark.written = registry.put(mark.path, text, found ? found->version : "");
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
            const auto now = registry.get(mark.path);
            mark.written = now && now->value == text;
        }
    }
    if (!mark.written) {
        throw RegistryError(
            RegistryError::Kind::other,
            fmt::format("{}: the mark {} is being changed by others all the time and could "
                        "not be written; run the command again.",
                        registry.endpoint(), mark.path));
    }
    audit.write({"mark", "written", address, std::nullopt, std::nullopt, mark.path, text});
    return mark;
}

}  // namespace dsfailover
