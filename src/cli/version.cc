#include "cli/version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <roaring/roaring_version.h>
#include <spdlog/version.h>

#include <CLI/Version.hpp>
#include <utility>
#include <vector>

#include "base/build_info.h"
#include "base/json.h"
#include "base/module.h"
#include "base/version.h"
#include "database/sqlite/database.h"
#include "registry/zookeeper/registry.h"

namespace dsfailover {
namespace {

constexpr const char* kModules[] = {"etcd", "mysql", "postgresql"};

std::vector<std::pair<std::string, std::string>> libraries() {
    const auto joined = [](auto major, auto minor, auto patch) {
        return fmt::format("{}.{}.{}", major, minor, patch);
    };
    return {
        {"CLI11", CLI11_VERSION},
        {"CRoaring",
         joined(ROARING_VERSION_MAJOR, ROARING_VERSION_MINOR, ROARING_VERSION_REVISION)},
        {"fmt", joined(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
        {"nlohmann_json", json_library_version()},
        {"spdlog", joined(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
        {"SQLite", sqlite_version()},
        {"ZooKeeper", zookeeper_client_version()},
    };
}

ModuleInfo module_info(const char* name) { return find_module(std::string("dsfailover_") + name); }

}  // namespace

std::string version_lines() {
    std::vector<std::string> named;
    for (const auto& [name, version] : libraries()) named.push_back(name + " " + version);
    std::string text =
        fmt::format("dsfailover {}\ncommit      {}\nbuild       {}\nlibraries   {}\n", kVersion,
                    kCommit, kBuildType, fmt::join(named, ", "));
    for (const char* name : kModules) {
        const ModuleInfo found = module_info(name);
        text += found.problem.empty()
                    ? fmt::format("{:<12}{} ({})\n", name, found.file, found.library)
                    : fmt::format("{:<12}{}\n", name, found.problem);
    }
    return text;
}

std::string version_json() {
    Json json = {{"version", kVersion}, {"commit", kCommit}, {"build_type", kBuildType}};
    for (const auto& [name, version] : libraries()) json["libraries"][name] = version;
    for (const char* name : kModules) {
        const ModuleInfo found = module_info(name);
        Json& module = json["modules"][name];
        if (found.problem.empty())
            module = {{"file", found.file}, {"library", found.library}};
        else
            module = {{"problem", found.problem}};
    }
    return json.dump(2) + "\n";
}

}  // namespace dsfailover
