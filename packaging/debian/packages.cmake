# The Debian packages that cpack makes: the program, and each module with its client library.
# scripts/package makes them.

set(DSFAILOVER_MAINTAINER "dsfailover maintainers <maintainers@dsfailover.example>"
  CACHE STRING "Maintainer of the packages, as Debian has it: NAME <ADDRESS>")

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program etcd mysql postgresql)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_PREFIX /usr)
# Without this install scripts see a folder of cpack's instead of /usr.
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
# The modes Debian wants, whatever the umask is.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${DSFAILOVER_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(DEBIAN_VERSION ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})

# Each package has its own summary.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CONTROL_FILES conffiles postinst prerm postrm)
set(about
"When a master or worker dies and the cluster does not notice, when the
failover lock is never released, when workflows sit in FAILOVER and no master
takes them, dsfailover does what the cluster's failover coordinator should
have done, with the cluster's own locks, marks and commands.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME dsfailover)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS tzdata)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "dsfailover-etcd, dsfailover-mysql, dsfailover-postgresql")
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
"manual failover for Apache DolphinScheduler
${about}
.
ZooKeeper and SQLite need no other package; etcd, PostgreSQL, and MySQL and
MariaDB have one each.")
list(TRANSFORM CONTROL_FILES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${CONTROL_FILES})

foreach(module etcd mysql postgresql)
  string(TOUPPER ${module} NAME)
  set(what_etcd "etcd registries")
  set(what_mysql "MySQL and MariaDB")
  set(what_postgresql "PostgreSQL")
  set(CPACK_DEBIAN_${NAME}_PACKAGE_NAME dsfailover-${module})
  # A module works only with the program it was built with.
  set(CPACK_DEBIAN_${NAME}_PACKAGE_DEPENDS "dsfailover (= ${DEBIAN_VERSION})")
  set(CPACK_DEBIAN_${NAME}_DESCRIPTION
"${what_${module}} for dsfailover
The module for ${what_${module}} of dsfailover, the manual failover
for Apache DolphinScheduler.")
endforeach()

set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/arrange.cmake)
set(DATE @DATE@)  # left for arrange.cmake
configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in debian/changelog @ONLY)
set(CPACK_DSFAILOVER_CHANGELOG ${CMAKE_CURRENT_BINARY_DIR}/debian/changelog)
set(CPACK_DSFAILOVER_PACKAGING ${CMAKE_CURRENT_LIST_DIR}/..)
include(CPack)
