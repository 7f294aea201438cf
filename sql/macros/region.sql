-- Regions as postal abbreviations: the states and territories of the United
-- States, the provinces of Canada.

-- Keys of the English names, and of how people write some of them.
create or replace macro us_regions() as
    map_from_entries([
        ('alabama', 'AL'), ('alaska', 'AK'), ('american samoa', 'AS'), ('arizona', 'AZ'), ('arkansas', 'AR'),
        ('california', 'CA'), ('colorado', 'CO'), ('connecticut', 'CT'), ('d c', 'DC'), ('dc', 'DC'),
        ('delaware', 'DE'), ('district of columbia', 'DC'), ('florida', 'FL'), ('georgia', 'GA'), ('guam', 'GU'),
        ('hawaii', 'HI'), ('idaho', 'ID'), ('illinois', 'IL'), ('indiana', 'IN'), ('iowa', 'IA'), ('kansas', 'KS'),
        ('kentucky', 'KY'), ('louisiana', 'LA'), ('maine', 'ME'), ('maryland', 'MD'), ('massachusetts', 'MA'),
        ('michigan', 'MI'), ('minnesota', 'MN'), ('mississippi', 'MS'), ('missouri', 'MO'), ('montana', 'MT'),
        ('nebraska', 'NE'), ('nevada', 'NV'), ('new hampshire', 'NH'), ('new jersey', 'NJ'), ('new mexico', 'NM'),
        ('new york', 'NY'), ('north carolina', 'NC'), ('north dakota', 'ND'), ('northern mariana islands', 'MP'),
        ('ohio', 'OH'), ('oklahoma', 'OK'), ('oregon', 'OR'), ('pennsylvania', 'PA'), ('puerto rico', 'PR'),
        ('rhode island', 'RI'), ('south carolina', 'SC'), ('south dakota', 'SD'), ('tennessee', 'TN'), ('texas', 'TX'),
        ('u s virgin islands', 'VI'), ('us virgin islands', 'VI'), ('utah', 'UT'), ('vermont', 'VT'),
        ('virgin islands', 'VI'), ('virgin islands u s', 'VI'), ('virginia', 'VA'), ('washington', 'WA'),
        ('washington d c', 'DC'), ('washington dc', 'DC'), ('west virginia', 'WV'), ('wisconsin', 'WI'),
        ('wyoming', 'WY')
    ]);

create or replace macro ca_regions() as
    map_from_entries([
        ('alberta', 'AB'), ('british columbia', 'BC'), ('manitoba', 'MB'), ('new brunswick', 'NB'),
        ('newfoundland', 'NL'), ('newfoundland and labrador', 'NL'), ('northwest territories', 'NT'),
        ('nova scotia', 'NS'), ('nunavut', 'NU'), ('ontario', 'ON'), ('prince edward island', 'PE'), ('quebec', 'QC'),
        ('saskatchewan', 'SK'), ('yukon', 'YT'), ('yukon territory', 'YT')
    ]);

-- A region as its country's post writes it; the country is an alpha-2 code. Two
-- letters are taken for a code, ISO 3166-2 loses its country, longer names are
-- looked up. What is no region that we know, or lies elsewhere, is in capitals.
-- Every record goes through this: most names are found without the dear text_key.
create or replace macro region_code(region, country) as
    case
        when length(region) > 2 and country in ('US', 'CA') then
            coalesce(
                case country when 'US' then us_regions()[lower(region)] else ca_regions()[lower(region)] end,
                case country when 'US' then us_regions()[text_key(region)] else ca_regions()[text_key(region)] end,
                nullif(regexp_extract(upper(region), '^\s*(US|CA)-([A-Z]{2})\s*$', 2), ''),
                nullif(upper(trim(region)), '')
            )
        else nullif(upper(trim(region)), '')
    end;
