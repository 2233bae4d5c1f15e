#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/stored_time.h"
#include "base/time_zone.h"
#include "database/database.h"
#include "registry/registry.h"

namespace dsfailover {

/// A row of t_ds_jdbc_registry_data, its times as the database gave them.
struct JdbcRow {
    std::int64_t id = 0;
    std::string key;
    std::string value;
    std::string type;  ///< EPHEMERAL or PERSISTENT
    std::int64_t client_id = 0;
    std::string create_time;
    std::string last_update_time;

    bool ephemeral() const { return type == "EPHEMERAL"; }
    /// Changes with every write of the row.
    std::string version() const;
    /// The row as the JSON that DolphinScheduler tells of its changes with.
    std::string event_json() const;
};

/// The columns of t_ds_jdbc_registry_data that to_row() takes, in their order.
inline constexpr std::string_view kRowColumns =
    "id, data_key, data_value, data_type, client_id, create_time, last_update_time";

/// Throws DatabaseError(other) if a number is none.
JdbcRow to_row(const Row& cells);

/// The id of the row whose version it is; 0 for what is not a version of ours.
std::int64_t id_of_version(const std::string& version);

/// The wall-clock timestamps of the registry's tables.
class JdbcTimes {
  public:
    /// `precision_us`: of a column without one of its own, in microseconds.
    JdbcTimes(std::int64_t precision_us, TimeZone zone)
        : precision_us_(precision_us), zone_(std::move(zone)) {}
    /// Throws RegistryError naming the text if it is not a timestamp.
    StoredTime parse(const std::string& text) const;
    /// As the database takes it; on MySQL without the fraction, which it would round.
    std::string format(EpochMs time) const;
    /// By how much two times differ at least, in milliseconds, to be written differently.
    EpochMs step_ms() const { return std::max<EpochMs>(precision_us_ / 1000, 1); }

  private:
    std::int64_t precision_us_;
    TimeZone zone_;
};

/// The node that a row is. Throws RegistryError(other) if its times cannot be read.
Node to_node(const JdbcRow& row, const JdbcTimes& times);

}  // namespace dsfailover
