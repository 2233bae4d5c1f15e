#include "registry/paths.h"

#include <fmt/format.h>

#include "base/address.h"
#include "base/digits.h"

namespace dsfailover {

namespace {

constexpr std::string_view kUnknown = "unknown";

std::string below(std::string_view folder, std::string_view name) {
    return fmt::format("{}/{}", folder, name);
}

}  // namespace

std::string server_path(std::string_view folder, std::string_view address) {
    return below(folder, address);
}

std::string failover_lock_path(const std::string& address) {
    return below(paths::kMasterFailoverLocks, address);
}

std::string address_of_failover_lock(std::string_view path) {
    const std::string folder = below(paths::kMasterFailoverLocks, "");
    return path.starts_with(folder) ? std::string(path.substr(folder.size())) : "";
}

std::optional<MarkName> parse_mark_name(std::string_view name) {
    const auto last = name.rfind('-');
    if (last == std::string_view::npos || last == 0) return std::nullopt;
    const auto middle = name.rfind('-', last - 1);
    if (middle == std::string_view::npos) return std::nullopt;
    const auto address = name.substr(0, middle);
    const auto startup = name.substr(middle + 1, last - middle - 1);
    const auto pid = name.substr(last + 1);
    if (!is_address(address)) return std::nullopt;
    if (startup == kUnknown && pid == kUnknown) return MarkName{std::string(address), std::nullopt};
    const auto startup_time = parse_digits(startup);
    const auto process_id = parse_digits(pid);
    if (!startup_time || !process_id) return std::nullopt;
    return MarkName{std::string(address), ProcessIdentity{*startup_time, *process_id}};
}

std::string mark_path(const std::string& address, const std::optional<ProcessIdentity>& process) {
    return mark_path_of_name(
        process ? fmt::format("{}-{}-{}", address, process->startup_time, process->process_id)
                : fmt::format("{}-{}-{}", address, kUnknown, kUnknown));
}

std::string mark_path_of_name(std::string_view name) { return below(paths::kMarks, name); }

std::string stamps_path(const std::string& address) { return below(paths::kStamps, address); }

std::string run_claim_path(const std::optional<std::string>& host) {
    return below(paths::kRuns, host && is_address(*host) ? *host : "none");
}

}  // namespace dsfailover
