#include "coordinator/marks/failover_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "registry/paths.h"

namespace dsfailover {

namespace {

// Where there is a mark already, or the answer to its creation did not come.
MarkInfo replace_mark(Registry& registry, Put& put, EpochMs value) {
    constexpr int kTries = 10;
    MarkInfo mark;
    mark.path = put.path;
    mark.value = value;
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const auto found = registry.get(put.path);
        mark.written = put.outcome == PutOutcome::unknown && found && found->value == put.value;
        if (mark.written) return mark;
        mark.previous_value = found ? std::optional(found->value) : std::nullopt;
        const auto standing = found ? parse_mark_value(found->value) : std::nullopt;
        if (standing && *standing >= value) {
            mark.value = standing;
            return mark;
        }
        put.version = found ? found->version : "";
        registry.put_all({&put, 1});
        mark.written = put.outcome == PutOutcome::written;
        if (mark.written) return mark;
    }
    throw RegistryError(
        RegistryError::Kind::other,
        fmt::format("{}: the mark {} is being changed by others all the time and could not be "
                    "written; run the command again.",
                    registry.endpoint(), mark.path));
}

}  // namespace

// Names that cannot be read are those of an address, too, if they begin with it.
std::vector<std::string> FailoverMarks::names_of(const std::string& address) {
    if (!names_)
        names_ =
            registry_.children(std::string(paths::kMarks)).value_or(std::vector<std::string>());
    std::vector<std::string> names;
    for (const std::string& name : *names_) {
        if (!name.starts_with(address + "-")) continue;
        const auto parsed = parse_mark_name(name);
        if (parsed && parsed->address != address) continue;  // a host that continues with a dash
        names.push_back(name);
    }
    return names;
}

void FailoverMarks::read_all(const std::vector<std::string>& addresses) {
    std::vector<std::string> marks;
    std::vector<AddressMarks*> of_mark;
    for (const std::string& address : addresses) {
        const auto [entry, is_new] = by_address_.try_emplace(address);
        if (!is_new) continue;
        for (const std::string& name : names_of(address)) {
            marks.push_back(mark_path_of_name(name));
            of_mark.push_back(&entry->second);
        }
    }
    if (marks.empty()) return;
    std::vector<NodeRead> reads = registry_.get_all(marks);
    for (std::size_t i = 0; i < reads.size(); ++i) {
        AddressMarks& of_address = *of_mark[i];
        if (!reads[i].node) {
            of_address.unparsable = of_address.unparsable || !reads[i].problem.empty();
            continue;
        }
        const auto value = parse_mark_value(reads[i].node->value);
        if (!parse_mark_name(reads[i].name) || !value) {
            of_address.unparsable = true;
        } else if (*value != kFenceValue) {
            of_address.newest = std::max(of_address.newest.value_or(0), *value);
        }
        of_address.nodes.push_back(std::move(*reads[i].node));
    }
}

const AddressMarks& FailoverMarks::of(const std::string& address) {
    read_all({address});
    return by_address_.at(address);
}

EpochMs FailoverMarks::newest_of_any_master(const std::set<std::string>& workers) {
    if (!newest_of_any_master_) {
        EpochMs newest = 0;
        registry_.read_children(std::string(paths::kMarks), [&](NodeRead child) {
            const auto name = parse_mark_name(child.name);
            if (!child.node || !name || workers.contains(name->address)) return;
            newest = std::max(newest, parse_mark_value(child.node->value).value_or(0));
        });
        newest_of_any_master_ = newest;
    }
    return *newest_of_any_master_;
}

MarkInfo planned_mark(Registry& registry, const MarkToWrite& mark) {
    const std::string path = mark_path(mark.address, mark.process);
    const auto standing = registry.get(path);
    const auto value = standing ? parse_mark_value(standing->value) : std::nullopt;
    return {path, std::max(mark.value, value.value_or(mark.value)),
            standing ? std::optional(standing->value) : std::nullopt, false};
}

void write_marks(Registry& registry, AuditLog& audit, std::span<MarkToWrite> marks) {
    // The first try takes it that there are none, as nearly always.
    std::vector<Put> puts;
    for (const MarkToWrite& mark : marks)
        puts.push_back({mark_path(mark.address, mark.process), std::to_string(mark.value), ""});
    const auto written = [&](MarkToWrite& mark, MarkInfo info) {
        audit.write({"mark", "written", mark.address, std::nullopt, std::nullopt, info.path,
                     std::to_string(mark.value)});
        mark.done = std::move(info);
    };
    std::exception_ptr problem;
    try {
        registry.put_all(puts);
    } catch (const RegistryError&) {
        problem = std::current_exception();
    }
    for (std::size_t i = 0; i < puts.size(); ++i) {
        if (puts[i].outcome == PutOutcome::written)
            written(marks[i], {puts[i].path, marks[i].value, std::nullopt, true});
    }
    if (problem) std::rethrow_exception(problem);
    for (std::size_t i = 0; i < puts.size(); ++i) {
        if (marks[i].done) continue;
        MarkInfo info = replace_mark(registry, puts[i], marks[i].value);
        if (info.written)
            written(marks[i], std::move(info));
        else
            marks[i].done = std::move(info);
    }
}

}  // namespace dsfailover
